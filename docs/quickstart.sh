# The main job on the embedded sample: photographs in; a trained, scored, exported, used model out.
# Called by `make quickstart` with the environment's Python.
set -eu
python=$1
out=out/quickstart
stage() { printf '\n== %s\n' "$1"; }

stage "1 of 5: sample photographs"
"$python" -m pipelines.sample --out_dir=$out/photos --example_dir=$out/picture
stage "2 of 5: training (a second call goes on from the checkpoint)"
"$python" -m kinpaint.train --flagfile=kinpaint/flagfiles/quickstart.flags \
  --data_dir=$out/photos --run_dir=$out/run
stage "3 of 5: scoring beside the classical baselines"
"$python" -m kinpaint.eval --data_dir=$out/photos --split=val --image_size=64 --masks=strokes \
  --model=quickstart=$out/run --limit=16 --out_dir=$out/eval
stage "4 of 5: export"
"$python" -m kinpaint.export --run_dir=$out/run --name=quickstart --models_dir=$out/saved_models
stage "5 of 5: completing a picture"
"$python" -m kinpaint.complete --model=$out/saved_models/quickstart \
  --image=$out/picture/photo.png --mask=$out/picture/mask.png --output=$out/picture/completed.png --overwrite

printf '\nDone.\n'
printf '  picture: %s (its input: photo.png, mask.png)\n' $out/picture/completed.png
printf '  report:  %s\n' $out/eval/report.html
printf '  curves:  %s -m tensorboard.main --logdir=%s\n' "$python" $out/run/logs
