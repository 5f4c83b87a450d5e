dist_man_MANS += man/objtool-inspect.1 man/objtool-verify.1
