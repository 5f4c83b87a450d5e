/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a Ruby program in libmruby's virtual machine: blocks, an exception, a string. */
#include "work.h"
#include <mruby.h>
#include <mruby/compile.h>
#include <mruby/string.h>

int work(void)
{
    static const char program[] =
        "class Point\n"
        "  attr_reader :x\n"
        "  def initialize(x) = @x = x\n"
        "end\n"
        "sum = (1..10).map { |x| Point.new(x * x) }.inject(0) { |s, p| s + p.x }\n"
        "caught = begin; raise ArgumentError, 'odd'; rescue => e; e.message; end\n"
        "format('%d %s %s', sum, caught, [3, 1, 2].sort.inspect)\n";
    mrb_state *mrb = NULL;
    mrb_value value;

    OURS(mrb_open);
    mrb = mrb_open();
    CHECK(mrb);
    value = mrb_load_string(mrb, program);
    CHECK(!mrb->exc);
    CHECK(mrb_string_p(value));
    CHECK(strcmp(mrb_str_to_cstr(mrb, value), "385 odd [1, 2, 3]") == 0);
    mrb_close(mrb);
    return 0;
}
