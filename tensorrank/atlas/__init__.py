"""An atlas: every separation rank that is known, with what certifies it and how to compute it again."""
