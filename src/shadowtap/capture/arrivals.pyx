# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""What recvmmsg(2) tells of the messages it took, read in compiled code: see `recvmmsg`, whose tables these are."""

from libc.errno cimport errno
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <sys/socket.h>
    """
    struct mmsghdr:
        pass
    struct timespec:
        pass
    int recvmmsg(int fd, mmsghdr *messages, unsigned int count, int flags, timespec *patience)

cdef enum:
    ROW = 64  # octets of a row in either table
    ROOM = 40  # in a row of headers: octets of control messages (u64)
    LENGTH = 56  # and how long the message was (u32)
    KIND = 12  # in a row of control messages: the type of the first (i32)
    SECONDS = 16  # and its time (two i64)
    NANOSECONDS = 24


cdef class Arrivals:
    """`headers` and `control` are the tables that the kernel fills, as octets; `lengths` and `times` (int64, as many
    rows) the columns that are made of them. A message carries its time where its first control message is of the type
    `stamp` and takes `room` octets."""

    cdef uint8_t[::1] headers, control
    cdef int64_t[::1] lengths, times
    cdef int32_t stamp
    cdef uint64_t room

    def __init__(self, headers, control, lengths, times, stamp, room):
        self.headers, self.control, self.lengths, self.times = headers, control, lengths, times
        self.stamp, self.room = stamp, room
        cdef Py_ssize_t rows = self.lengths.shape[0]
        if not self.headers.shape[0] == self.control.shape[0] == rows * ROW or self.times.shape[0] != rows or not rows:
            raise ValueError("tables of different lengths")

    def receive(self, int fd, int flags):
        """Take what is waiting: how many messages, or the error number below zero."""
        cdef int count = recvmmsg(fd, <mmsghdr *>&self.headers[0], <unsigned int>self.lengths.shape[0], flags, NULL)
        return count if count >= 0 else -errno

    def read(self, Py_ssize_t count):
        """Fill the first rows of the columns: how many octets the messages have, or -1 where one carries no time."""
        cdef const uint8_t *header
        cdef const uint8_t *control
        cdef Py_ssize_t row
        cdef int64_t octets = 0
        cdef bint stamped = True
        if not 0 <= count <= self.lengths.shape[0]:
            raise ValueError("more rows than there are")
        for row in range(count):
            header, control = &self.headers[row * ROW], &self.control[row * ROW]
            self.lengths[row] = (<const uint32_t *>(header + LENGTH))[0]
            octets += self.lengths[row]
            stamped &= (<const int32_t *>(control + KIND))[0] == self.stamp
            stamped &= (<const uint64_t *>(header + ROOM))[0] == self.room
            self.times[row] = (
                (<const int64_t *>(control + SECONDS))[0] * 1_000_000_000
                + (<const int64_t *>(control + NANOSECONDS))[0]
            )
        return octets if stamped else -1
