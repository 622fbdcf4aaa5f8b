def make(results): return ''
