"""What a directory of photographs holds: one pass, thirteen sections, three files.

measure     one file to a row of numbers
survey      the pass over a directory, joined with manifest and splits
inventory   sections 1 to 4: totals, balance, licences, observers
pictures    sections 5 to 8: geometry, colour, sharpness, compression
findings    sections 9 to 13: duplicates, oddities, levels, time, gallery
plots, page drawings and HTML
"""
