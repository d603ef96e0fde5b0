"""iNaturalist: what it holds, what to take of it, and a polite way to fetch that.

    classes       the taxa behind "cats", "dogs" and "birds"
    plan          supply, quotas by water-filling, and the table of a plan
    api, dump     two sources of candidates behind one interface
    observations  one observation of an answer to one candidate photo, or why not
    limits        pace, requests a day, bytes an hour and a day, kept on disk
    client        HTTP with retries
    journal       what was asked and got, on disk, so that a kill loses nothing
    download      one photo: fetched, decoded, hashed, renamed
    run           the loop that fills the quotas
    ledger        status, verification, credits

A source has two methods: `supply(animal)` lists a class's species with the
number of observations of each, and `page(species, after)` returns the next
candidates of one species.
"""
