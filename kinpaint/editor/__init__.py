"""The editor: a page of its own where holes are painted and filled, and the server behind it.

The browser holds the view and the mask; the server holds the photograph. A photo is uploaded
once, as it is, and lies in a private folder as a pyramid of reduced copies (`pictures`) from
which the page takes the tiles that it shows. What comes back from the browser is the mask
alone, at the photo's full size, so no pixel of the result has been through a browser's canvas.

Each filling is a step: the patch it changed, on top of its parent. Undo, history and several
fillings to choose from are choices among steps.

The network runs in a process of its own (`engine`): the page is up before TensorFlow is, and
stopping a filling can stop the process. `jobs` is the queue before it, `sessions` who owns
which photo and for how long, `guard` who may ask at all, `app` what can be asked.
"""
