"""Everything that trains and evaluates: the only package that may import torch.

``execute.execute(job, report)`` does one run inside the worker's child process; ``outcomes`` says in plain Python what goes
in and what comes out, so that the supervising process never loads torch.
"""
