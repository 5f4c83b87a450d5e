EXTRA_DIST += \
	examples/mruby/README.md \
	examples/mruby/build.sh \
	examples/mruby/mruby.c \
	examples/mruby/probes.rb \
	examples/mruby/warm.rb
