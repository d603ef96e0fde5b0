"""Completing photographs: any size, any number, with everything else kept as it was.

`files` reads and writes pictures, `jobs` pairs pictures with masks and outputs,
`regions` and `fill` bring any size to the network, `runner` does a whole list.
"""
