# dist_man_MANS += man/objtool.1
