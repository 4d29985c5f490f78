"""One machine: everything that ``crosslift up`` starts, watches and stops, as processes.

=========  =================================================  ====================================================
part       program                                            stops
=========  =================================================  ====================================================
redis      ``redis-server`` on a socket in a private folder   last; not started where ``CROSSLIFT_REDIS_URL`` is set
web        ``python -m dashboard.server``: API and pages      third from last
sweep      ``python -m backend.sweep``                        second
worker     ``python -m worker.app``                           first, with time to save what it trains
=========  =================================================  ====================================================

Each part is the leader of a process group, so a Ctrl-C in the terminal reaches ``up`` alone, which then stops them in
order. A part that dies is started again, a bounded number of times. ``guard`` clears up should ``up`` itself be
killed. One lock per HOME.
"""
