"""Why a model fills as it does: a page a picture.

`subjects` picks pictures, holes and photos to search; `probe` listens to a network's
layers; `attention`, `gates`, `dependence`, `errors` and `nearest` measure; each module of
`sections` shows one of them, and `pages` puts them together.
"""
