"""formats: what other programs read and write: GoReplay's files, HAR, k6 and curl scripts.

In: bytes of a file, or `Observation`s. Out: the other of the two. A format carries what it carries; what is lost
on the way is said in docs/formats.md and counted under a name. Everything streams, in bounded memory. It refuses
to know where requests are replayed, and which formats there are beside it.
"""
