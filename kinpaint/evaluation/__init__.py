"""Scoring models on fixed holes, from pictures to a page.

`runner` takes batches through every contestant and appends one record a picture and
model; `results` reads the records back; `summary` and `analysis` turn them into
figures; `pages` shows them. Records are kept under a key of everything that decides
their value, so a second run takes up where the first stopped, and several processes
can share the work.
"""
