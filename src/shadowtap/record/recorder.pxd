cimport cython

from shadowtap.events.messages cimport Request, Response
from shadowtap.events.outcomes cimport Observation, Outcome

@cython.locals(request=Request, response=Response, outcome=Outcome, size="long long")
cpdef long long octets(Observation observation)
