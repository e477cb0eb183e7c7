"""endpoints: methods and paths in; templates such as `/users/{id}` out, found by themselves.

What is to be counted and compared is an endpoint, not a path: `/users/17` and `/users/18` are one. Segments that
look like identifiers (numbers, UUIDs, hashes, dates, tokens, addresses) become parameters at once; others become
`{name}` when very many different ones were seen at the same place. Memory is bounded whatever the paths are. It
refuses to know what requests and answers hold.
"""

from shadowtap.endpoints.templates import Endpoints

__all__ = ["Endpoints"]
