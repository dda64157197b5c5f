"""Where results lie: artifacts, files on disks and in object stores, records, model folders."""
