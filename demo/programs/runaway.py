"""Never ends, and catches whatever is thrown at it."""
print("nobody stops me", flush=True)
turns = 0
while True:
    try:
        while True:
            turns += 1
    except BaseException:
        pass
