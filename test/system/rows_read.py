# SPDX-License-Identifier: Apache-2.0
"""Rows as others read what Strata wrote: lists of tuples, nulls as None. Each reader is independent of Strata."""
import csv
import json
import math
import struct
import warnings


def as_is(value):
    """What numpy has as what Python has; NaN is a null."""
    value = value.item() if hasattr(value, "item") else value
    value = "".join(value) if isinstance(value, list) else value
    value = value.decode() if isinstance(value, bytes) else value
    return None if isinstance(value, float) and math.isnan(value) else value


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


def read_jsonl(path):
    with open(path, encoding="utf-8") as file:
        return [tuple(json.loads(line).values()) for line in file]


def read_binary(path):
    """COPY's own form, fields as bytes. There has to be one header and one trailer."""
    with open(path, "rb") as file:
        data = file.read()
    if not data.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8)):
        raise ValueError("no header of COPY binary")
    at, rows = 19, []
    while (count := struct.unpack_from(">h", data, at)[0]) >= 0:
        at, row = at + 2, []
        for _ in range(count):
            length = struct.unpack_from(">i", data, at)[0]
            at += 4
            row.append(None if length < 0 else data[at:at + length])
            at += max(length, 0)
        rows.append(tuple(row))
    if at + 2 != len(data):
        raise ValueError(f"{len(data) - at - 2} bytes behind the trailer")
    return rows


def column_bytes(table, i, count):
    import numpy
    stored = numpy.asarray(table.view(numpy.ndarray)[table.dtype.names[i]])
    return stored.tolist() if stored.dtype == numpy.int8 else [None] * count


def read_fits(path):
    """By astropy, which also checks the file against the standard. The lowest integers are the nulls that the header says."""
    from astropy.io import fits
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path) as hdus:
            hdus.verify("exception")
            table = hdus[1]
            nulls = [column.null for column in table.columns]
            names = table.columns.names
            raw = table.data.view(table.data.dtype)  # booleans as bytes: astropy takes the zero of a null for false
            rows = [tuple(None if null is not None and value == null or byte == 0 else as_is(value)
                          for value, null, byte in zip(row, nulls, bytes_))
                    for row, bytes_ in zip(zip(*(table.data[name].tolist() for name in names)),
                                           zip(*(column_bytes(raw, i, len(table.data)) for i in range(len(names)))))]
    return rows


def read_hdf5(path):
    import h5py
    with h5py.File(path, "r") as file:
        rows, nulls = file["rows"][:], file["nulls"][:]
    return [tuple(None if bits[i // 8] >> (7 - i % 8) & 1 else as_is(value) for i, value in enumerate(row.tolist()))
            for row, bits in zip(rows, nulls)]


def read_votable(path):
    from astropy.io import votable
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = votable.parse(path, verify="exception").get_first_table().array
    return [tuple(None if masked else as_is(value) for value, masked in zip(row, mask))
            for row, mask in zip(table.data.tolist(), table.mask.tolist())]


READERS = {"csv": read_csv, "jsonl": read_jsonl, "binary": read_binary, "fits": read_fits, "hdf5": read_hdf5,
           "votable": read_votable}
