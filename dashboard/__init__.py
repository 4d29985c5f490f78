"""The dashboard: pages that read through the HTTP API and know the words of ``backend.domain``, nothing else of ours.

::

    server    the composition root: API and pages in one process
    shell     what surrounds every page
    pages/    one file a page: layout and callbacks, thin

    client    the only file that speaks HTTP: schemas in, schemas out
    links     the only file that builds and reads addresses: the address of a page is its state
    findings  from a state to the numbers it names, or to why there are none

    figures   pure functions from schemas to plotly figures; ``heatmap`` is how they are drawn
    written   Explore's figure and what is said of its cells, as text
    tables    the same numbers for a grid
    panels    what stands beside a figure: ranked lists, one cell, nothing yet
    controls  what can be chosen; ``going`` is for pages where every choice is an address
    learnt    the overview's sentences; ``pairs`` is its small heatmap
    share     the dialog that freezes what a page shows; ``frozen`` shows what was frozen, ``offline`` as one file,
              ``downloads`` answers for the files and for the status of a link
    glossary  every word and every formula, one paragraph each
    draft     an experiment that is being written; ``form`` asks for it, ``checked`` says what it would take
    states    states as icon and word; ``progress`` shows an experiment, ``logbook``, ``curves`` and ``lineage`` a run
    live      what keeps a page up to date
    words     sentences about schemas, for eyes and screen readers alike
    look      the visual language: colours, sizes, how numbers are written

A page is asked with ``search``, the query part of its address, and reads it with ``links``. Its callbacks are ``async``.
A module of ``pages/`` holds no dataclass: Dash runs it before it is in ``sys.modules``.
"""
