/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Switches between two stacks and throws and catches an exception on the second. */
#include "work.h"
#include <boost/context/fiber.hpp>
#include <stdexcept>

/* Boost's own stacks need functions of the library that are hidden. */
struct plain_stack {
    boost::context::stack_context allocate()
    {
        boost::context::stack_context stack;

        stack.size = 256 * 1024;
        stack.sp = static_cast<char *>(malloc(stack.size)) + stack.size;
        return stack;
    }
    void deallocate(boost::context::stack_context &stack)
    {
        free(static_cast<char *>(stack.sp) - stack.size);
    }
};

int work(void)
{
    namespace ctx = boost::context;
    int a = 0, b = 1, caught = 0;
    std::string said;

    OURS(&ctx::detail::jump_fcontext);
    OURS(&ctx::detail::make_fcontext);
    ctx::fiber source{std::allocator_arg, plain_stack(),
                      [&](ctx::fiber &&sink) {
                          for (int i = 0; i < 20; i++) {
                              int next = a + b;

                              a = b;
                              b = next;
                              sink = std::move(sink).resume();
                          }
                          try {
                              throw std::runtime_error("on the other stack");
                          } catch (const std::exception &e) {
                              said = e.what();
                              caught++;
                          }
                          return std::move(sink);
                      }};
    for (int i = 0; i < 20; i++)
        source = std::move(source).resume();
    CHECK(a == 6765);
    source = std::move(source).resume();
    CHECK(caught == 1 && said == "on the other stack");
    return 0;
}
