"""Files that users give: read whole, within bounds, and refused in words.

- `contents` opens a file and reads its bytes or its text.
- `json_values` makes values of JSON; every JSON file of the package is read there.
- `array_archives` reads arrays from the files of `numpy.savez`.
- `safetensors_files` reads tensors from files of safetensors.
"""
