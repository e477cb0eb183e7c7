"""aws: what the user wants mirrored in, mirror targets, filters and sessions out, and kept right.

    names ─► discover ─► Desired ┐
                  read ─► World  ┴─► plan ─► steps ─► apply
                                      └─► show, emit

Everything between discovery and application is pure: `plan` compares what is wanted with a snapshot of what is
there and answers with ordered steps, warnings, cost and quotas. All calls go through one small seam (`api.Api`),
which is also where throttling is waited out and a refused permission gets its name. Ownership is a tag; what does
not carry it is never changed. boto3 is imported in `boto.py` only, and only when a command needs it. This package
refuses to know the pipeline.
"""
