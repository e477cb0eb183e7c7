cpdef long long distance(long long to, long long since) noexcept
