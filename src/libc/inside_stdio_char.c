/* The character functions of stdio that name a stream: apart, so that they alone link it. */
#include <stdio.h>

int putchar(int c)
{
    return fputc(c, stdout);
}

int getchar(void)
{
    return fgetc(stdin);
}
