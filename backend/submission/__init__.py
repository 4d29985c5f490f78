"""Submissions in the layout of XTREME and XTREME-R: ``{task}/test-{language}.{tsv,json,jsonl}``, scored and written.

``benchmarks`` says what belongs to each benchmark, ``read`` reads single files, ``score`` makes the official numbers of two
folders, ``write`` turns stored predictions into that layout. Nothing here asks a database or a network.
"""
