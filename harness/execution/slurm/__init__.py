"""Runs as Slurm job arrays, submitted through submitit; the store alone says what is done.

Layout, in the store's ``slurm/``::

    submissions/<id>.json            what was submitted: arrays, job ids, which run is in which task
    jobs/<id>/<array>/<task>.json    what a task does: context and specs
    jobs/<id>/<array>/<task>.state   what it is doing right now
    jobs/<id>/<array>/*_log.out      what Slurm and submitit wrote
    snapshots/<hash>/                the code, as it was when it was submitted
    lock                             held by the one process that submits
"""
