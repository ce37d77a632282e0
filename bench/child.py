"""python -m bench.child MEASURE JSON: one measure in a process of its own; prints JSON."""

import json
import os
import sys


def peak_bytes() -> int:
    """The most memory this process has held.

    Linux hands getrusage's maximum on from parent to child; the kernel's own VmHWM starts anew.
    """
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main() -> None:
    """Prepare Django for the role in the environment and run what is asked."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prodacct.settings")
    import django

    django.setup()
    from bench import measures

    name, asked = sys.argv[1], json.loads(sys.argv[2])
    before = peak_bytes()
    said = getattr(measures, name)(**asked)
    print(json.dumps({"start_bytes": before, "peak_bytes": peak_bytes(), **said}))


if __name__ == "__main__":
    main()
