# Assembly and what "objtool inspect" says of it.
script_tests += tests/golden/golden.sh
check_PROGRAMS += tests/golden/mkheap

EXTRA_DIST += \
	tests/golden/aarch64.expect tests/golden/aarch64.s \
	tests/golden/hostile.expect tests/golden/hostile.s \
	tests/golden/hostile.heap.expect tests/golden/hostile.heap.txt \
	tests/golden/lists.heap.expect tests/golden/lists.heap.txt \
	tests/golden/powerpc.expect tests/golden/powerpc.s \
	tests/golden/x86_64.expect tests/golden/x86_64.s
