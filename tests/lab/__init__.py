"""The laboratory: a small network in which the kernel mirrors a web server's traffic as a VPC does.

    Lab          four namespaces (client, production, collector, target) and the mirror between them
    Recorder     a web server that writes down every request byte for byte; production and target are one each
    Relay        a wire between mirror and collector that loses, repeats, delays, cuts or wraps packets, and
                 writes down exactly what it did
    Collector    shadowtap at work, with its ledger
    replicate    all of these together: one experiment
    Conversation a client's connection, down to which bytes go into which packet

It knows nothing of any test, and of shadowtap only the command line and the ledger's JSON.
"""

from .collector import Collector, shadowtap
from .conversation import Conversation, chunked, get, post
from .netns import Namespace
from .network import Addresses, Lab
from .process import Process, Unready, wait_for_tcp, wait_until
from .records import Losses, Record
from .replication import Replication, Result, Setup, replicate
from .require import Missing, require
from .servers import Recorder, Relay

__all__ = [
    "Addresses",
    "Collector",
    "Conversation",
    "Lab",
    "Losses",
    "Missing",
    "Namespace",
    "Process",
    "Record",
    "Recorder",
    "Relay",
    "Replication",
    "Result",
    "Setup",
    "Unready",
    "chunked",
    "get",
    "post",
    "replicate",
    "require",
    "shadowtap",
    "wait_for_tcp",
    "wait_until",
]
