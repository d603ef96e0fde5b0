"""Metrics of completed pictures: each by itself, and means with their intervals.

`quality` compares with the truth pixel by pixel, `lpips` through a trained trunk;
`diversity` compares samples with each other; `frechet` compares sets; `aggregate`
turns values into means, intervals and paired differences. Pictures are float32
[N, H, W, 3] in [0, 1].
"""
