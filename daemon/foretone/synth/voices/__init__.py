"""The kinds of voice, one file each; see foretone.synth.voice for what a kind promises."""
