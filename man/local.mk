dist_man_MANS += man/objtool.1 man/objtool-inspect.1 man/objtool-link.1 man/objtool-verify.1
