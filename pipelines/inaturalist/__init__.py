"""iNaturalist: what it holds, what to take of it, and a polite way to fetch that.

    plan       taxa behind "cats", "dogs" and "birds"; quotas by water-filling; a plan's table
    schema     what answers and files must look like, checked where they enter
    limits     the clock; pace, requests a day, bytes an hour and a day, kept on disk
    client     HTTP with bounds and retries
    api, dump  two sources of candidates behind one interface
    download   one photo: fetched, decoded, hashed
    health     whether the photo store is well, and which of its answers are believed
    run        the loop that fills the quotas
    journal    what was asked and got, on disk, so that a kill loses nothing
    ledger     status, what is short and why, verification, repair
    credits    CREDITS.md

A source has two methods: `supply(animal)` lists a class's species with the
number of observations of each, and `page(species, after)` returns the next
candidates of one species. Its `drawn` says whether its pages are all there is.
"""
