"""The floors under a sync: what the machine takes for the same bytes without any of its rules.

    load      LevelDB takes the same data in the same batches, with one synced marker at the end (bench/bulk_load.cc)
    cp        `cp -r` of the directory; `cp_synced`, until that is on the disk, too
    loopback  as many bytes over a TCP connection on loopback, from memory to memory
"""

import shutil
import socket
import subprocess
import threading
import time

from machine import Failure, run, sync_tree

PIECE = 1 << 20


def measure(bulk_load, source, scratch):
    """Seconds of each, of the data in the directory `source`; `scratch` is emptied."""
    target = scratch / 'floor'
    sync_tree(scratch)
    loaded = run(bulk_load, source, target).result
    shutil.rmtree(target)
    start = time.monotonic()
    copied = subprocess.run(['cp', '-r', source, target], capture_output=True, check=False)
    copy = time.monotonic() - start
    if copied.returncode != 0:
        raise Failure(f'cp -r {source} {target}: {copied.stderr.decode(errors="replace").strip()}')
    sync_tree(target)
    synced = time.monotonic() - start
    shutil.rmtree(target)
    return {'load_s': loaded['seconds'], 'load_processor_s': loaded['processor_s'], 'cp_s': copy,
            'cp_synced_s': synced, 'loopback_s': loopback(loaded['bytes'])}


def loopback(count):
    """Seconds until so many bytes have gone over a connection."""
    with socket.create_server(('127.0.0.1', 0)) as server, socket.create_connection(server.getsockname()) as sender:
        receiver = server.accept()[0]

        def send():
            piece = memoryview(bytes(PIECE))
            left = count
            while left > 0:
                sender.sendall(piece[:left])
                left -= PIECE
        thread = threading.Thread(target=send)
        buffer = bytearray(PIECE)
        start = time.monotonic()
        thread.start()
        left = count
        with receiver:
            while left > 0:
                left -= receiver.recv_into(buffer)
        seconds = time.monotonic() - start
        thread.join()
        return seconds
