EXTRA_DIST += \
	examples/julia/README.md \
	examples/julia/StationLog/Project.toml \
	examples/julia/StationLog/src/StationLog.jl \
	examples/julia/build-object.sh \
	examples/julia/check-image.sh \
	examples/julia/compare.sh \
	examples/julia/get-julia.sh \
	examples/julia/link.sh \
	examples/julia/paths.sh \
	examples/julia/readings.csv \
	examples/julia/run.sh \
	examples/julia/sysimage.jl \
	examples/julia/workload.jl
