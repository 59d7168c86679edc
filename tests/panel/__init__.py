"""The model of the frame's decoder and the encoder that is made for it."""
