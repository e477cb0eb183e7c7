"""A server that keeps what it is sent, octet by octet, and says yes to everything."""

import socket
import threading

from shadowtap.http1 import Limits, Reader, Role

YES = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Listening:
    """`with Listening() as server`: its `url`, and the messages it got, one a connection."""

    def __init__(self):
        self.got = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with peer:
                self._answer(peer)

    def _answer(self, peer):
        reader = Reader(Role.REQUEST, limits=Limits())
        while octets := peer.recv(1 << 16):
            found = reader.feed(octets)
            if found:
                self.got += found
                peer.sendall(YES)
                return
            if b"100-continue" in octets:
                peer.sendall(CONTINUE)
