"""A report and a presentation from what the other commands wrote.

`sources` reads the directories of train, eval, ablate, explore and explain and knows which
pictures may be shown; `chapters` tells the story, a function a chapter, in blocks for the page
and in one slide each; `networks` draws a network from its settings; `page` writes report.html,
`slides` the PDF, the speaker's notes and the film.

Every figure comes out of those files. A statement about two models is made only where the
interval of their paired difference leaves out zero; everything else is "not told apart".
"""
