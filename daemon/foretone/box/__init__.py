"""What a box is told by its owner: `box.toml`, checked on the desk and applied on the box."""
