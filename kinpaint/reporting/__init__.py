"""A report and a presentation from what the other commands wrote.

`inputs` reads directories of train, eval, ablate, explore and explain; each module of
`sections` turns them into a `blocks.Section`: text, tables, charts and pictures, and the
slides that tell the same. `page` and `deck_page` write HTML, `drawing` and `video` the
film; all of them show the same blocks. Every figure comes out of the files, and a
picture is shown only when its file name is allowed.
"""
