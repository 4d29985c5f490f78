"""The dashboard: pages that read through the HTTP API and know the words of ``backend.domain``, nothing else of ours.

::

    server    the composition root: API and pages in one process
    shell     what surrounds every page
    pages/    one file a page: layout and callbacks, thin
    client    the only file that speaks HTTP: schemas in, schemas out
    links     the only file that builds and reads addresses: the address of a page is its state
    figures   pure functions from schemas to plotly figures
    words     sentences about schemas, for eyes and screen readers alike
    look      the visual language: colours, sizes, how numbers are written
"""
