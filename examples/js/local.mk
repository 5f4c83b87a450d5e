EXTRA_DIST += \
	examples/js/README.md \
	examples/js/build.sh \
	examples/js/fib.js \
	examples/js/js.c \
	examples/js/probes.js \
	examples/js/warm.js
