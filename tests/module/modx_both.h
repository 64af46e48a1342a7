/* What the image and its shared library, both in C++, give each other. */
#ifndef CM_TESTS_MODX_BOTH_H
#define CM_TESTS_MODX_BOTH_H

#include <stdexcept>
#include <string>
#include <vector>

#define SHARED __attribute__((visibility("default")))

/* both have its table of virtual functions and its type information: there must be one of each */
struct SHARED Shape {
    virtual ~Shape() = default;
    virtual int area() const = 0;
};

struct SHARED Square : Shape {
    explicit Square(int a) : side(a)
    {
    }
    int area() const override
    {
        return side * side;
    }
    int side;
};

struct SHARED Refusal : std::runtime_error {
    explicit Refusal(int n) : std::runtime_error("refused"), number(n)
    {
    }
    int number;
};

Shape *lib_make(int side);
int lib_throw(int what);
int lib_catch(int (*call)(int), int what);
std::string lib_join(const std::vector<std::string> &words);
int lib_static();
SHARED int img_area(const Shape &shape);

#endif
