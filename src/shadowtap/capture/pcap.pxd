cimport cython

@cython.locals(
    header="long long", little=bint, size="long long", starts=list, used="long long", before="long long",
    need="long long", at="long long", first="long long", second="long long", third="long long", fourth="long long",
)
cpdef tuple _walk(bytes buffer, form)
