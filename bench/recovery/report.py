"""Medians over the rounds, and the table."""

import statistics

MIB = 1 << 20
FLOORS = (('load_s', 'load'), ('cp_s', 'cp'), ('cp_synced_s', 'cp, synced'), ('loopback_s', 'loopback'))


def ratios(entry):
    """Of the sync's seconds to those of each floor of the same round."""
    return {name: entry['sync_s'] / entry['floors'][name] for name, _ in FLOORS}


def medians(values):
    """Of dicts that are built alike: of each number in them. What is no number, and lists, are left out."""
    found = {}
    for key, first in values[0].items():
        if isinstance(first, dict):
            found[key] = medians([value[key] for value in values if key in value])
        elif isinstance(first, (int, float)) and not isinstance(first, bool):
            found[key] = statistics.median(value[key] for value in values if key in value)
    return found


def spread(values):
    return f'{min(values):.2f}..{max(values):.2f}'


def mebibytes(count):
    return f'{count / MIB:.0f}'


def memory_of(entry):
    """The peaks, each with what it is more than before the sync where that is known."""
    before = entry.get('memory_before', {})
    return ', '.join(f'{end} {mebibytes(peak)}' + (f' (+{mebibytes(peak - before[end])})' if end in before else '')
                     for end, peak in entry['peak_memory'].items())


def lost_requests(client):
    return sum(client[phase][kind] for phase in ('before', 'during', 'after') for kind in ('failed', 'unknown'))


def client_line(entry):
    client = entry['client']
    parts = [f'{kind} {client["before"][kind]["p50_ms"]:.1f}/{client["before"][kind]["p99_ms"]:.1f} -> '
             f'{client["during"][kind]["p50_ms"]:.1f}/{client["during"][kind]["p99_ms"]:.1f}'
             for kind in ('reads', 'writes', 'all')]
    return (f'clients at {client["rate"]:.0f}/s ({client["share_percent"]:.0f} % of the capacity, '
            f'{client["writes_percent"]:.0f} % writes, {client["connections"]:.0f} connections), p50/p99 ms before -> '
            f'during: {"; ".join(parts)}; failed or unknown: {lost_requests(client):.0f}')


def round_line(entry):
    """What one round came to, in one line."""
    noise = entry['noise']
    measured = ' '.join(f'{label} {entry["floors"][name]:.2f}' for name, label in FLOORS)
    attempts = f' in {entry["attempts"]} attempts' if entry.get('attempts', 1) > 1 else ''
    return (f'{entry["seconds"]:.2f} s (sync {entry["sync_s"]:.2f}{attempts}), floors {measured}; memory {memory_of(entry)} MiB; '
            f'noise {noise["other_cores"]:.2f} + {noise["stolen_cores"]:.2f} cores')


HEADS = ('case', 'rounds', 'seconds', 'sync', 'x load', '(from..to)', 'x cp', 'x cp synced', 'x loopback', 'data MiB',
         'wire MiB', 'cpu s', 'of load',
         'peak memory MiB (more than before)', 'noise')


def row(case):
    middle = case['median']
    wire = middle.get('received_bytes')
    return (case['what'], str(len(case['rounds'])), f'{middle["seconds"]:.2f}', f'{middle["sync_s"]:.2f}',
            f'{middle["ratios"]["load_s"]:.2f}', spread([each['ratios']['load_s'] for each in case['rounds']]),
            f'{middle["ratios"]["cp_s"]:.2f}', f'{middle["ratios"]["cp_synced_s"]:.2f}',
            f'{middle["ratios"]["loopback_s"]:.1f}', f'{middle["payload_bytes"] / MIB:.1f}',
            '-' if wire is None else f'{wire / MIB:.1f}', f'{sum(middle["processor_s"].values()):.2f}',
            f'{middle["floors"]["load_processor_s"]:.2f}', memory_of(middle),
            f'{middle["noise"]["other_cores"] + middle["noise"]["stolen_cores"]:.2f}')


def table(store):
    """Of one store; medians of the rounds."""
    fill = store['fill']
    lines = [f'{store["mebibytes"]} MiB, values of {store["value_bytes"]} bytes, {store["random_percent"]} % random: '
             f'{store["keys"]} keys, filled at {fill["per_second"]:.0f} keys/s']
    rows = [HEADS, *(row(case) for case in store['cases'])]
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEADS))]
    lines += ['  ' + '  '.join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in rows]
    floors = medians([each['floors'] for case in store['cases'] for each in case['rounds']])
    lines.append('  floors, seconds: ' + ', '.join(f'{label} {floors[name]:.2f}' for name, label in FLOORS))
    lines += [f'  {case["what"]}: {client_line(case["median"])}' for case in store['cases']
              if 'client' in case['median']]
    return '\n'.join(lines)


LEGEND = """\
seconds: of the command, or from the start of the process until the member is in quorum; sync: from the first choice of
a provider to the switch to the copy. x: the sync's seconds by those of a floor in the same round, median; load: LevelDB
takes the same data in the same batches and syncs once; loopback: as many bytes over TCP. data: keys and values that
were sent; wire: bytes that the member received over TCP. cpu s: the processor's seconds in both ends, and in the load.
noise: cores that something else used, or the hypervisor took.
"""
