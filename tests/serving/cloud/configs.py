"""Configuration files of a server, to fill in."""

NAME = "half_plus_three"


def write(path, text):
    path.write_text(text)
    return str(path)


CONFIG = """
model_config_list {{
  config {{
    name: "{name}" base_path: "{path}" model_platform: "tensorflow"
    model_version_policy {{ {policy} }}
    version_labels {{ key: "stable" value: {label} }}
  }}
}}
"""
