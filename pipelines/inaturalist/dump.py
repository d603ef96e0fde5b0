"""placeholder"""


class DumpSource:
    pass
