#!/bin/sh
# Makes report.html, slides.pdf, notes.md and slides.mp4 of this folder anew, from its figures:
#
#     sh docs/results/make_report.sh PHOTOS [python]
#
# PHOTOS is the directory of development photographs (README.md beside this file). Pictures and
# explanations are made of them first, in out/results, by the model in the box; about ten minutes
# on two cores. Spoken where espeak-ng is installed.
set -eu
photos=$1
python=${2:-python}
made=out/results
figures=docs/results

"$python" -m kinpaint.eval --model=kinpaint-small=saved_models/kinpaint-small --data_dir="$photos" \
  --split=val --image_size=256 --masks="medium + thick" --limit=90 --show='oxford_*' --out_dir=$made/eval
"$python" -m pipelines.explore --data_dir="$photos" --out_dir=$made/explore
"$python" -m kinpaint.explain --model=saved_models/kinpaint-small --data_dir="$photos" --split=val \
  --image_size=128 --masks="medium + thick" --show='oxford_*' --limit=3 --train_limit=300 --out_dir=$made/explain

set -- --eval="256 px=$made/eval" --eval="64 px=$figures/64px_medium.json"
for setting in level1 level2 level3 level4 level5 level6 128medium 256thin 256thick; do
  set -- "$@" --eval="$setting=$figures/base/$setting.json"
done
"$python" -m kinpaint.report "$@" \
  --run="residual=$figures/runs/residual" --run="cnn=$figures/runs/cnn" \
  --run="residual, adversarial=$figures/runs/residual_adversarial" \
  --run="cnn, adversarial=$figures/runs/cnn_adversarial" \
  --run="kinpaint-small=$figures/runs/kinpaint-small_phase1" \
  --ablation=$figures/ladder --ablation=$figures/choices --ablation=$figures/seeds \
  --explore=$made/explore --explain=$made/explain --text=$figures/text \
  --show='oxford_*' --credit="Oxford-IIIT Pet, Parkhi et al. 2012, CC BY-SA 4.0" \
  --slides --out_dir=$made
cp $made/report.html $made/slides.pdf $made/notes.md $made/slides.mp4 $figures/
