"""Addresses, and the networks they are in."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from shadowtap.events import Address
from shadowtap.expression.error import WordError
from shadowtap.expression.kinds import Predicate
from shadowtap.expression.tree import Operator

_BITS = {4: 32, 6: 128}
_MAPPED = 0xFFFF << 32
"""The upper bits of an IPv4 address written as IPv6 (RFC 4291, section 2.5.5.2)."""


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses: `==` one, `in` one or several networks. IPv4 written as IPv6 is the same address."""

    expects: str = "an address such as 10.0.0.7, or with in a network such as 10.0.0.0/8"
    operators: Sequence[Operator] = (Operator.EQUALS, Operator.IN)

    def predicate(self, operator: Operator, words: Sequence[str]) -> Predicate[Address]:
        """See `Kind`. A look-up for each length of prefix, however many networks there are."""
        networks = [self._network(word) for word in words]
        if operator is Operator.EQUALS and networks[0].num_addresses > 1:
            raise WordError(f"a network is tested with in; write in {words[0]}", words[0])
        prefixes: dict[tuple[int, int], set[int]] = defaultdict(set)
        for network in networks:
            shift = network.max_prefixlen - network.prefixlen
            prefixes[network.version, shift].add(int(network.network_address) >> shift)
        return _membership(prefixes)

    def show(self, value: Address) -> str:
        """See `Kind`."""
        return str(value)

    def _network(self, word: str) -> IPv4Network | IPv6Network:
        try:
            return ip_network(word.strip("[]"))
        except ValueError as error:
            if "host bits" in str(error):
                right = ip_network(word.strip("[]"), strict=False)
                raise WordError(f"{word} has bits behind its prefix; write {right}", word) from None
            raise WordError(f'expected {self.expects}, not "{word[:60]}"', word) from None


def _membership(prefixes: dict[tuple[int, int], set[int]]) -> Predicate[Address]:
    of_4 = tuple((shift, known) for (version, shift), known in prefixes.items() if version == 4)
    of_6 = tuple((shift, known) for (version, shift), known in prefixes.items() if version == 6)

    def contains(address: Address) -> bool:
        number, lists = int(address), of_4
        if address.version == 6:
            if number >> 32 == _MAPPED >> 32:
                number &= 0xFFFFFFFF
            else:
                lists = of_6
        return any(number >> shift in known for shift, known in lists)

    return contains
