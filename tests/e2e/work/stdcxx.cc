/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libstdc++ itself as the image: its own throws caught here, ours caught through it, thread_local
   objects with destructors, streams and locales (whose initialisers ran when it was loaded). */
#include "work.h"
#include <algorithm>
#include <chrono>
#include <future>
#include <iomanip>
#include <iostream>
#include <locale>
#include <map>
#include <memory_resource>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static int destroyed;

struct counted {
    int n = 0;
    ~counted() { destroyed += n; }
};

static thread_local counted per_thread;

static int throws(void)
{
    int caught = 0;

    try {
        std::string().at(5); /* thrown inside the image */
    } catch (const std::out_of_range &e) {
        caught += strstr(e.what(), "basic_string") != nullptr;
    }
    try {
        (void)std::stoi("not a number");
    } catch (const std::invalid_argument &) {
        caught++;
    }
    try {
        std::vector<int>().at(1);
    } catch (const std::exception &) { /* by its base: needs the image's type information */
        caught++;
    }
    try {
        try {
            throw 7;
        } catch (...) {
            std::throw_with_nested(std::runtime_error("outer"));
        }
    } catch (const std::runtime_error &e) {
        try {
            std::rethrow_if_nested(e);
        } catch (int n) {
            caught += n == 7;
        }
    }
    try {
        std::locale nowhere("no such locale");
    } catch (const std::runtime_error &) {
        caught++;
    }
    auto answer = std::async(std::launch::async, []() -> int { throw std::logic_error("thread"); });
    try {
        answer.get();
    } catch (const std::logic_error &e) {
        caught += strcmp(e.what(), "thread") == 0;
    }
    return caught;
}

struct comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
};

int work(void)
{
    std::ostringstream out;
    std::map<std::string, int> words;
    std::istringstream in("the cat the dog the end 12 3.5");
    std::string word;
    double number = 0;

    OURS(&std::__throw_out_of_range);
    OURS(&std::cout);
    OURS(std::locale::classic().name().empty() ? nullptr : &std::locale::classic());
    CHECK(throws() == 6);
    std::thread([] { per_thread.n = 5; }).join();
    std::thread([] { per_thread.n = 6; }).join();
    CHECK(destroyed == 11);

    CHECK(std::locale::classic().name() == "C");
    out.imbue(std::locale(std::locale::classic(), new comma));
    out << std::fixed << std::setprecision(2) << 1234567.891 << ' ' << std::hex << 255;
    CHECK(out.str() == "1.234.567,89 ff");
    for (int i = 0; i < 6; i++) {
        in >> word;
        words[word]++;
    }
    CHECK(words["the"] == 3);
    in >> word >> number;
    CHECK(number == 3.5);
    CHECK(std::use_facet<std::ctype<char>>(std::locale()).toupper('x') == 'X');
    CHECK(std::regex_replace(std::string("a1b22"), std::regex("[0-9]+"), "#") == "a#b#");
    std::pmr::monotonic_buffer_resource pool;
    std::pmr::vector<int> numbers(&pool);
    for (int i = 0; i < 1000; i++)
        numbers.push_back(i);
    CHECK(std::count_if(numbers.begin(), numbers.end(), [](int n) { return n % 2; }) == 500);
    std::cout << "" << std::flush;
    CHECK(std::cout.good() && !std::cin.bad());
    return 0;
}
