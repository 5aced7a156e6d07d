#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a header with a file's bytes as a NUL terminated array: text2c.py NAME INPUT OUTPUT.

Numbers and not a string literal, because ISO C limits the length of those.
"""
import sys

name, source, target = sys.argv[1:]
data = open(source, 'rb').read() + b'\0'
rows = (data[i:i + 24] for i in range(0, len(data), 24))
with open(target, 'w') as out:
    out.write('static const char %s[] = {\n' % name)
    out.writelines('    ' + ' '.join('%d,' % (b - 256 if b > 127 else b) for b in row) + '\n' for row in rows)
    out.write('};\n')
